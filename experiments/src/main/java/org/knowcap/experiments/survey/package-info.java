/** Reads texts and training stream of a corpus and counts what a description of the corpus shows. */
@NullMarked
package org.knowcap.experiments.survey;

import org.jspecify.annotations.NullMarked;
