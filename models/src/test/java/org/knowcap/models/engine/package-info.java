/** Holds every engine to the reference. */
package org.knowcap.models.engine;
