/**
 * Fits laws to measured runs: {@link org.knowcap.analysis.law.Cells} joins runs that differ in nothing but their
 * seeds, and each law is fitted to such cells. Every estimate has an interval or says why it has none, and every fit
 * has a {@link org.knowcap.analysis.law.Checklist}. docs/laws.md derives the estimators and has their measured
 * coverage.
 */
@NullMarked
package org.knowcap.analysis.law;

import org.jspecify.annotations.NullMarked;
