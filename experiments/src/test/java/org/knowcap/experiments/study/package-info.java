/** Tests of reading study files. */
package org.knowcap.experiments.study;
