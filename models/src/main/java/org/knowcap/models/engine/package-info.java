/** What turns a program into something that runs: the engine interface, its sessions, and their discovery. */
package org.knowcap.models.engine;
