/** bioS and bioS-simple: biographies of six sentences, written from templates, and the count of their bits. */
package org.knowcap.generators.bios;
