/** What a model is: its architecture by short name, and its parameter count by component. */
@NullMarked
package org.knowcap.models.architecture;

import org.jspecify.annotations.NullMarked;
