/** What tests of this module share. */
package org.knowcap.experiments;
