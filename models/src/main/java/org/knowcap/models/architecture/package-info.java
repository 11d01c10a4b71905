/** What a model is: its architecture by short name, and its parameter count by component. */
package org.knowcap.models.architecture;
