/**
 * Writes a study for people to read: sentences that claim no more than was measured, and one self-contained page.
 */
@NullMarked
package org.knowcap.analysis.report;

import org.jspecify.annotations.NullMarked;
