/** Files that are either complete or absent, and checksums: every other module uses these. */
package org.knowcap.files;
