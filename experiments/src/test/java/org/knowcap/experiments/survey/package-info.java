/** Tests of what is told of a corpus. */
package org.knowcap.experiments.survey;
