/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An interpreter that is begun halfway.  What the interpreter's own program does at its start takes three times
 * what a small verb does, and half of it is the part that Python calls "main": the import system that looks into
 * folders, the table of encodings, the objects for the three standard streams.  The script that is run here needs
 * none of it until it imports something from outside its archive, and then asks for it: see krun/launch.py.
 */
#define PY_SSIZE_T_CLEAN
#include "interpreter.h"

#include <Python.h>
#include <marshal.h>
#include <stdio.h>
#include <unistd.h>

/* Makes the dispositions of signals the interpreter's own, before which the module _signal must not be imported; it
 * is declared in a header for the interpreter's own sources.  0, or -1 with an exception. */
int _PySignal_Init(int install_handlers);

#define HEADER_BYTES 16 /* of a compiled file: its magic number, flags, and two words about its source */

static PyObject *raise_status(PyStatus status)
{
	PyErr_SetString(PyExc_RuntimeError,
			status.err_msg != NULL ? status.err_msg : "the interpreter cannot start");
	return NULL;
}

static PyObject *complete(PyObject *self, PyObject *nothing)
{
	PyStatus status = _Py_InitializeMain();

	(void)self;
	(void)nothing;
	return PyStatus_Exception(status) ? raise_status(status) : Py_NewRef(Py_None);
}

static PyObject *make_module(void)
{
	static PyMethodDef methods[] = {
		{ "complete", complete, METH_NOARGS, "Do what is left of the interpreter's start." },
		{ NULL, NULL, 0, NULL },
	};
	static PyModuleDef definition = {
		PyModuleDef_HEAD_INIT, "_krun_interpreter", NULL, -1, methods, NULL, NULL, NULL, NULL
	};

	return PyModule_Create(&definition);
}

static PyStatus configure(PyConfig *config, int argc, char **argv, const char *executable, bool is_interruptible)
{
	static const wchar_t *const folders[] = { L"" KR_STDLIB, L"" KR_DYNLOAD };
	PyStatus status = PyConfig_SetBytesArgv(config, argc, argv);

	config->_init_main = 0;
	config->site_import = 0;
	config->install_signal_handlers = 0;
	config->pathconfig_warnings = 0;
	config->module_search_paths_set = 1;
	for (size_t i = 0; i < sizeof folders / sizeof *folders && !PyStatus_Exception(status); i++) {
		status = PyWideStringList_Append(&config->module_search_paths, folders[i]);
	}
	if (!PyStatus_Exception(status)) {
		status = PyConfig_SetString(config, &config->home, L"" KR_PREFIX);
	}
	if (!PyStatus_Exception(status)) {
		status = PyConfig_SetBytesString(config, &config->executable, executable);
	}
	if (!PyStatus_Exception(status) && is_interruptible) {
		status = PyWideStringList_Append(&config->xoptions, L"interruptible");
	}
	return status;
}

static PyStatus start(int argc, char **argv, const char *executable, bool is_interruptible)
{
	PyPreConfig before;
	PyConfig config;
	PyStatus status;

	PyPreConfig_InitIsolatedConfig(&before);
	before.utf8_mode = 1;
	status = Py_PreInitialize(&before);
	if (PyStatus_Exception(status)) {
		return status;
	}
	if (PyImport_AppendInittab("_krun_interpreter", make_module) != 0) {
		return PyStatus_NoMemory();
	}
	PyConfig_InitIsolatedConfig(&config);
	status = configure(&config, argc, argv, executable, is_interruptible);
	if (!PyStatus_Exception(status)) {
		status = Py_InitializeFromConfig(&config);
	}
	PyConfig_Clear(&config);
	return status;
}

/* What the rest of the start would put into `sys`: the words, the option, and the folders, of which those without
 * extension modules are left out.  0, or -1 with an exception. */
static int tell(int argc, char **argv, bool is_interruptible)
{
	PyObject *words = PyList_New(0);
	PyObject *options = is_interruptible ? Py_BuildValue("{sO}", "interruptible", Py_True) : PyDict_New();
	PyObject *folders = Py_BuildValue("[s]", KR_DYNLOAD);
	int failed = words == NULL || options == NULL || folders == NULL ? -1 : 0;

	for (int i = 0; i < argc && failed == 0; i++) {
		PyObject *word = PyUnicode_DecodeUTF8(argv[i], (Py_ssize_t)strlen(argv[i]), "surrogateescape");

		failed = word != NULL ? PyList_Append(words, word) : -1;
	}
	return failed != 0 || PySys_SetObject("argv", words) != 0 || PySys_SetObject("_xoptions", options) != 0 ||
			       PySys_SetObject("path", folders) != 0
		       ? -1
		       : 0;
}

/* The code in a compiled file; NULL with an exception. */
static PyObject *read_code(const char *path)
{
	FILE *file = fopen(path, "rbe");
	PyObject *code;

	if (file == NULL || fseek(file, HEADER_BYTES, SEEK_SET) != 0) {
		return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	}
	code = PyMarshal_ReadLastObjectFromFile(file);
	(void)fclose(file);
	return code;
}

static PyObject *run_script(const char *path)
{
	PyObject *code = read_code(path);
	PyObject *module = PyImport_AddModule("__main__");
	PyObject *name = PyUnicode_DecodeUTF8(path, (Py_ssize_t)strlen(path), "surrogateescape");
	PyObject *names = module != NULL ? PyModule_GetDict(module) : NULL;

	if (code == NULL || names == NULL || name == NULL || PyDict_SetItemString(names, "__file__", name) != 0 ||
	    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) != 0) {
		return NULL;
	}
	return PyEval_EvalCode(code, names, names);
}

bool kr_interpreter_is_usable(void)
{
	return access(KR_STDLIB "/encodings", X_OK) == 0;
}

int kr_interpreter_run(const char *script, int argc, char **argv, const char *executable, bool is_interruptible)
{
	PyStatus status;

	status = start(argc, argv, executable, is_interruptible);
	if (PyStatus_Exception(status)) {
		(void)fprintf(stderr, "krun: the interpreter cannot start: %s\n",
			      status.err_msg != NULL ? status.err_msg : "no reason given");
		return 1;
	}
	PyGC_Disable();
	if (_PySignal_Init(1) != 0 || tell(argc, argv, is_interruptible) != 0 || run_script(script) == NULL) {
		PyErr_Print();
	}
	return 1;
}
