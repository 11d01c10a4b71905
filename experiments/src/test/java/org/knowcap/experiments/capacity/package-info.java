/** Tests of the search for a model's capacity. */
package org.knowcap.experiments.capacity;
