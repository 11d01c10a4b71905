/** Files that are either whole or not there. */
package org.knowcap.analysis.files;
