/** Rules that the code of all modules keeps. */
package org.knowcap.experiments.architecture;
