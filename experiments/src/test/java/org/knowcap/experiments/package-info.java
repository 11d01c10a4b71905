/** Helpers that several tests of this module share: processes of Knowcap, contents of files, memorisation. */
package org.knowcap.experiments;
