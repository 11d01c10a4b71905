/** GPT-2's byte-pair tokens, the vocabulary of a corpus, texts that are tokenised once and copied, and tokenizer files. */
package org.knowcap.generators.tokens;
