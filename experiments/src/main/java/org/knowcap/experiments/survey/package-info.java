/** Reads a corpus's texts and stream to say what it is. */
package org.knowcap.experiments.survey;
