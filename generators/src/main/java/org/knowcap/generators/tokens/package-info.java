/** GPT-2 byte-pair tokens, renumbered to what a corpus can produce, and texts tokenised once to be copied. */
package org.knowcap.generators.tokens;
