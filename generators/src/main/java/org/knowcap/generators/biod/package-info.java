/** bioD: people whose attributes have strings of symbols as values, and the count of their bits. */
package org.knowcap.generators.biod;
