/**
 * The twelve laws of arXiv 2404.05405 as studies. {@link org.knowcap.experiments.laws.LawReader} reads what a law claims and
 * which arms it compares, {@link org.knowcap.experiments.laws.LawStudy} says which runs come next.
 */
@NullMarked
package org.knowcap.experiments.laws;

import org.jspecify.annotations.NullMarked;
