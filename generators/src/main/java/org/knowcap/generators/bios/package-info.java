/** bioS and bioS-simple: biographies of six sentences, written from templates, and the count of their bits. */
@NullMarked
package org.knowcap.generators.bios;

import org.jspecify.annotations.NullMarked;
