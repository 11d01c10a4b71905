/**
 * Random strings, the measure of arXiv 2505.24832: nothing can be known of them but the strings themselves, and how many bits
 * they have is known exactly.
 */
@NullMarked
package org.knowcap.generators.strings;

import org.jspecify.annotations.NullMarked;
