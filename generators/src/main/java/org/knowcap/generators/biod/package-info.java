/** bioD: people whose attributes are strings of symbols, and their bits. */
package org.knowcap.generators.biod;
