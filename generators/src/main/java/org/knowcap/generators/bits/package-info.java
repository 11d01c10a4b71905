/**
 * Counts knowledge in bits: the parts of a corpus's knowledge, how large each part is, and the logarithms that the
 * counts need. Each kind of corpus counts its own parts, in {@code bios.BioSBits} or {@code biod.BioDBits}; {@code
 * people.NameBits} counts the names.
 */
@NullMarked
package org.knowcap.generators.bits;

import org.jspecify.annotations.NullMarked;
