/** Files that are either complete or absent, checksums, and what parsers say of damaged ones: every other module uses these. */
@NullMarked
package org.knowcap.files;

import org.jspecify.annotations.NullMarked;
