/**
 * Questions about people, with their answers, mixed into the training on biographies or asked after it: about some of the
 * people, so that what a model answers about the others is knowledge that can be extracted (arXiv 2309.14316).
 */
@NullMarked
package org.knowcap.generators.questions;

import org.jspecify.annotations.NullMarked;
