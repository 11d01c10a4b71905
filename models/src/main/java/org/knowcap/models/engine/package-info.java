/**
 * Engines turn a program into sessions that train and score. The package has their interfaces and finds the engines.
 */
@NullMarked
package org.knowcap.models.engine;

import org.jspecify.annotations.NullMarked;
