/** Tests of this package. */
package org.knowcap.models.interchange.samediff;
