/** The lists of names, values and templates that texts are drawn from; they are read from plain text. */
package org.knowcap.generators.pools;
