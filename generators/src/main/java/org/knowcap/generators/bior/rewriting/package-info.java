/**
 * Makes the texts of bioR: prompts with the facts about each person go to a language model behind an
 * OpenAI-compatible server, and its usable answers go into a file.
 */
@NullMarked
package org.knowcap.generators.bior.rewriting;

import org.jspecify.annotations.NullMarked;
