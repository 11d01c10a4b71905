/** GPT-2 byte-pair tokens, renumbered to what a corpus can produce, texts tokenised once to be copied, and tokenizer files. */
package org.knowcap.generators.tokens;
