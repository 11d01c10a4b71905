/** Tests of runs that share a GPU. */
package org.knowcap.experiments.runner;
