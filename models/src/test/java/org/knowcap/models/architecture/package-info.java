/** Tests of this package. */
package org.knowcap.models.architecture;
