/** Files that are either complete or absent, checksums, and what parsers say of damaged ones: every other module uses these. */
package org.knowcap.files;
