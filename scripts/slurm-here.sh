#!/bin/bash
# A Slurm cluster of one machine, for tests: needs root and Debian's packages slurm-wlm and munge. It listens on loopback only.
#   scripts/slurm-here.sh up DIR      # starts it; then: export SLURM_CONF=DIR/slurm.conf
#   scripts/slurm-here.sh down DIR    # stops it; DIR stays, with the daemons' logs
# Partitions: main (default), and urgent, whose jobs preempt those of main (which are requeued). Arrays have at most 100 tasks,
# time limits are enforced, a node that does not answer is given up after 10 s, and a requeued job waits 5 s, not Slurm's 120 s.
set -eu
[ $# -eq 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "slurm-here.sh: it must be run as root" >&2; exit 3; }
for program in munged slurmctld slurmd; do
  PATH="$PATH:/usr/sbin" command -v "$program" > /dev/null || {
    echo "slurm-here.sh: $program is not installed (apt-get install slurm-wlm munge)" >&2
    exit 3
  }
done
PATH="$PATH:/usr/sbin"
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)

stop() {
  # The steps' own daemons end with their jobs.
  if [ -e "$dir/slurmctld.pid" ]; then
    SLURM_CONF="$dir/slurm.conf" timeout 10 scancel --full --signal=KILL --user=root 2> /dev/null || true
    SLURM_CONF="$dir/slurm.conf" timeout 10 scancel --user=root 2> /dev/null || true
  fi
  for daemon in slurmd slurmctld munged; do
    pid=$(cat "$dir/$daemon.pid" 2> /dev/null || true)
    [ -n "$pid" ] && kill "$pid" 2> /dev/null || continue
    for _ in $(seq 50); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2> /dev/null || true
    rm -f "$dir/$daemon.pid"
  done
}

case $1 in
  up) ;;
  down) stop; exit ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

port=$((20000 + $$ % 20000))
cores=$(env -u OMP_NUM_THREADS nproc) # nproc says OMP_NUM_THREADS where that is set
host=$(hostname -s)
chmod 755 "$dir"
mkdir -p "$dir/state" "$dir/spool"
(umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
cat > "$dir/slurm.conf" << CONF
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=10
MinJobAge=3600
MaxArraySize=100
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=$host MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
CONF
export SLURM_CONF="$dir/slurm.conf"
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
  --log-file="$dir/munged.log" --seed-file="$dir/munge.seed"
slurmctld
slurmd
for _ in $(seq 300); do
  case $(sinfo --noheader --format=%T 2> /dev/null) in *idle*) exit 0 ;; esac
  sleep 0.1
done
echo "slurm-here.sh: the node was not ready within 30 s; see $dir/slurmctld.log and $dir/slurmd.log" >&2
stop
exit 1
