"""Start the processes of a centre, restart those that die, and limit what a process may use.

launcher                                    `ioc launcher` and `ioc supervisor`, which `ioc up` starts
child_processes, forked_process             processes that are watched and restarted
limited_process, resource_limits            limits of memory, processor time and open files
no_pandas                                   keep pandas out of a process
welcome, launch_settings                    what `ioc up` prints; what it and the launcher share
"""
