/** bioS and bioS-simple: biographies in six sentences, written from templates, and their bits. */
package org.knowcap.generators.bios;
