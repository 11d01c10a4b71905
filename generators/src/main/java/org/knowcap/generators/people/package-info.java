/**
 * Populations that are computed from a seed: who is in a source, under which name, in which order the training
 * stream tells of them, and which revisions have changed their values.
 */
package org.knowcap.generators.people;
