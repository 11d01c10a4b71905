/** The lists that people and sentences are drawn from, read from plain text and cut to the sizes in force. */
package org.knowcap.generators.pools;
