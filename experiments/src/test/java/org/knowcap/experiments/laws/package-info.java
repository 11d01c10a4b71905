@org.jspecify.annotations.NullMarked
package org.knowcap.experiments.laws;
