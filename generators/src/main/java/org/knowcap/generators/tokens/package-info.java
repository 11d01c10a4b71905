/** GPT-2's byte-pair tokens, the vocabulary of a corpus, texts that are tokenised once and copied, and tokenizer files. */
@NullMarked
package org.knowcap.generators.tokens;

import org.jspecify.annotations.NullMarked;
