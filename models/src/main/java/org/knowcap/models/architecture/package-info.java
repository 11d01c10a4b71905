/** The architecture of a model: its short name, its options, and its number of parameters by component. */
@NullMarked
package org.knowcap.models.architecture;

import org.jspecify.annotations.NullMarked;
