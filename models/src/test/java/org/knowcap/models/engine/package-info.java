/** Compares every engine with the reference. */
package org.knowcap.models.engine;
