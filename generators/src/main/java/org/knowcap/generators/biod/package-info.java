/** bioD: people whose attributes have strings of symbols as values, and the count of their bits. */
@NullMarked
package org.knowcap.generators.biod;

import org.jspecify.annotations.NullMarked;
