/** Reads a corpus's texts and stream to say what it is. */
@NullMarked
package org.knowcap.experiments.survey;

import org.jspecify.annotations.NullMarked;
