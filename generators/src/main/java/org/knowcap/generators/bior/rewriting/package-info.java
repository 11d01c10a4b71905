/**
 * How texts for bioR come to be: prompts with the facts about each person, a language model behind an
 * OpenAI-compatible server, and a file of those of its answers that say everything.
 */
package org.knowcap.generators.bior.rewriting;
