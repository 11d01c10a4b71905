/**
 * Counting knowledge in bits: the parts of a corpus's knowledge, how large each is, and the logarithms that
 * the counts need. Each kind of corpus counts its own: {@code bios.BioSBits}, {@code biod.BioDBits} and, for
 * names, {@code people.NameBits}.
 */
@NullMarked
package org.knowcap.generators.bits;

import org.jspecify.annotations.NullMarked;
