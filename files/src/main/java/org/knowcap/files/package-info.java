/**
 * Files that are either complete or absent, checksums, and messages about damaged files; every other module uses
 * these.
 */
@NullMarked
package org.knowcap.files;

import org.jspecify.annotations.NullMarked;
