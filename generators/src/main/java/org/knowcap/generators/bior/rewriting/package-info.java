/**
 * Makes the texts of bioR: prompts with the facts about each person go to a language model behind an
 * OpenAI-compatible server, and its usable answers go into a file.
 */
package org.knowcap.generators.bior.rewriting;
