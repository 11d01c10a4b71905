/** Tests of the description of a corpus. */
package org.knowcap.experiments.survey;
