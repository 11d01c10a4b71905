/** What turns a program into something that runs: the engine interface, its sessions, and their discovery. */
@NullMarked
package org.knowcap.models.engine;

import org.jspecify.annotations.NullMarked;
