/** Tests of measuring. */
package org.knowcap.experiments.measure;
