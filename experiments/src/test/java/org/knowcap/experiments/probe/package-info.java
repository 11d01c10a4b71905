/** Tests of probes on models made by hand. */
package org.knowcap.experiments.probe;
